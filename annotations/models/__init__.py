from annotations.models.annotation import Annotation, AnnotationRevision, Answer, Span
from annotations.models.codebook import Codebook, CodebookVersion
from annotations.models.labelled import Labelled, LabelName
from annotations.models.relabelling import Relabelling
from annotations.models.round import Claim, Expected, Round, RoundAnnotator, Task, Unblinding

__all__ = [
    "Annotation",
    "AnnotationRevision",
    "Answer",
    "Claim",
    "Codebook",
    "CodebookVersion",
    "Expected",
    "LabelName",
    "Labelled",
    "Relabelling",
    "Round",
    "RoundAnnotator",
    "Span",
    "Task",
    "Unblinding",
]
