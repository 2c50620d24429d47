from annotations.models.annotation import Annotation, AnnotationRevision, Answer, Span
from annotations.models.codebook import Codebook, CodebookVersion
from annotations.models.round import Claim, Round, RoundAnnotator, Task

__all__ = [
    "Annotation",
    "AnnotationRevision",
    "Answer",
    "Claim",
    "Codebook",
    "CodebookVersion",
    "Round",
    "RoundAnnotator",
    "Span",
    "Task",
]
