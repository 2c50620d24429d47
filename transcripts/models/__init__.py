from transcripts.models.conditions import Arm, Pair, Prompt, Run
from transcripts.models.ingest import Finding, Ingest, IngestChunk, Reject, Source, WorkerHeartbeat
from transcripts.models.study import Membership, Study
from transcripts.models.transcript import Transcript, TranscriptBody, Verdict

__all__ = [
    "Arm",
    "Finding",
    "Ingest",
    "IngestChunk",
    "Membership",
    "Pair",
    "Prompt",
    "Reject",
    "Run",
    "Source",
    "Study",
    "Transcript",
    "TranscriptBody",
    "Verdict",
    "WorkerHeartbeat",
]
