from transcripts.models.conditions import Arm, Pair, Prompt, Run
from transcripts.models.fetch import Fetch
from transcripts.models.finding_back import SavedView, Tag, Tagging
from transcripts.models.ingest import (
    Finding,
    Ingest,
    IngestChunk,
    Reject,
    SavedMapping,
    Source,
    WorkerHeartbeat,
)
from transcripts.models.search import TranscriptSearch
from transcripts.models.study import Membership, Study
from transcripts.models.transcript import Transcript, TranscriptBody, Verdict

__all__ = [
    "Arm",
    "Fetch",
    "Finding",
    "Ingest",
    "IngestChunk",
    "Membership",
    "Pair",
    "Prompt",
    "Reject",
    "Run",
    "SavedMapping",
    "SavedView",
    "Source",
    "Study",
    "Tag",
    "Tagging",
    "Transcript",
    "TranscriptBody",
    "TranscriptSearch",
    "Verdict",
    "WorkerHeartbeat",
]
