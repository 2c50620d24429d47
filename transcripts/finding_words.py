"""What each kind of finding is called on a page: its message says the rest."""

from __future__ import annotations

TITLES = {
    "answer_misfit": "Answers of outside labels were left out",
    "arm_disagrees": "The source contradicts itself about the arm",
    "arm_role_unknown": "An arm’s role is not known",
    "arm_unknown": "The arm is not known",
    "checksum_wrong": "A checksum is wrong",
    "conversations_unchecked": "Conversations could not be checked",
    "csv_long_record": "A record spans very many lines",
    "damaged": "Part of the file is damaged",
    "empty": "An answer is empty",
    "export_incomplete": "The export was cut off",
    "fewer_judgments": "The file holds fewer judgments than it says",
    "fewer_samples": "The file holds fewer samples than it says",
    "identical_content": "The same texts stand under another model",
    "judge_failed": "A judge failed",
    "label_changed": "Somebody labelled a transcript twice, differently",
    "label_missing": "A label is missing",
    "log_cancelled": "The run was cancelled",
    "log_damaged": "The log is damaged",
    "log_error": "The run ended with an error",
    "log_incomplete": "The run ended before its log was complete",
    "mapping_proposed": "The fields were read by a proposed mapping",
    "member_skipped": "Files in the archive were skipped",
    "missing_attachment": "An attachment is missing",
    "missing_messages": "Messages are missing",
    "outcome_unknown": "A stated outcome is not one that we know",
    "outcomes_changed": "The judges’ words were given another meaning",
    "prompt_missing": "The prompt is not known",
    "reasoning_hidden": "The provider hid the reasoning",
    "repeated_members": "Members of the archive share a name",
    "request_failed": "The request to the model failed",
    "sample_error": "A sample ended with an error",
    "sample_invalidated": "A sample was marked invalid",
    "sample_limit": "A sample reached a limit",
    "segments_invalid": "Given segments do not fit their text",
    "span_misfit": "Spans of outside labels were left out",
    "trailing_data": "Something else follows the data",
    "truncated": "The file is cut off",
    "unpacking_stopped": "Unpacking was stopped at a limit",
    "unpaired": "Prompts lack one of the two arms",
    "verdict_count": "Scores and answers differ in number",
    "version_unknown": "The format’s version is not known",
    "window_too_large": "Part of the data cannot be unpacked",
}


def finding_title(kind: str) -> str:
    return TITLES.get(kind) or kind.replace("_", " ").capitalize()
