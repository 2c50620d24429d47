"""What fields are usually called. The first of a list goes before the others.

``USUAL`` names leave little doubt; ``POSSIBLE`` ones are used for other things too, so what they seem to say
is a guess. Names are in lower case with underscores; one with a dot is the end of a path.
"""

from __future__ import annotations

import re

USUAL: dict[str, tuple[str, ...]] = {
    "messages": (
        "messages",
        "conversation",
        "conversations",
        "chat",
        "dialogue",
        "dialog",
        "turns",
        "chat_history",
        "message_history",
    ),
    "response": (
        "response",
        "completion",
        "model_response",
        "model_output",
        "model_answer",
        "model_completion",
        "assistant_response",
        "generation",
        "generated_text",
        "final_output",
        "external_output",
        "output",
        "output_text",
        "response_text",
        "reply",
        "raw_output",
        "raw_response",
        "raw",
        "answer",
    ),
    "prompt": (
        "prompt",
        "user_prompt",
        "user_input",
        "user_message",
        "prompt_text",
        "input_prompt",
        "full_prompt",
        "question",
        "instruction",
        "query",
        "input",
        "input_text",
    ),
    "scratchpad": (
        "scratchpad",
        "scratchpad_reasoning",
        "hidden_scratchpad",
        "cot",
        "chain_of_thought",
        "internal_reasoning",
        "reasoning_content",
        "reasoning",
        "reasoning_trace",
        "thinking",
        "thoughts",
        "think",
    ),
    "system": ("system_prompt", "system", "system_message", "developer_prompt"),
    "model": ("model", "model_name", "model_id", "target_model"),
    "prompt_id": ("prompt_id", "question_id", "query_id", "qid", "prompt_hash", "prompt_idx", "prompt_index"),
    "arm": (
        "arm",
        "tier",
        "user_tier",
        "query_tier",
        "account_tier",
        "is_free_tier_user",
        "is_free_tier",
        "free_tier",
        "is_monitored",
        "monitored",
        "monitoring",
        "oversight",
        "deployment_status",
    ),
    "sample": (
        "sample",
        "sample_index",
        "sample_idx",
        "sample_number",
        "sample_num",
        "repetition",
        "replicate",
    ),
    "setting": ("setting",),
    "checkpoint": ("checkpoint", "ckpt", "model_revision"),
    "training_step": ("training_step", "train_step"),
    "goal_nudge": ("goal_nudge",),
    "family": ("family", "prompt_family"),
    "external_id": ("external_id", "transcript_id", "record_id", "uuid"),
    "label": ("human_label", "human_annotation", "human_grade", "human_verdict", "gold_label"),
    "annotator": ("annotator", "annotator_id", "labeler", "labeller", "rater", "coder"),
}

POSSIBLE: dict[str, tuple[str, ...]] = {
    "response": (
        "prediction",
        "result",
        "assistant",
        "choices.0.message.content",
        "message.content",
        "choices.0.text",
        "output.text",
        "response.text",
        "response.content",
        "text",
        "content",
    ),
    "prompt": ("problem", "task_prompt", "request", "user", "scenario_prompt", "task"),
    "scratchpad": ("inner_monologue", "analysis", "rationale"),
    "system": ("system_instruction", "system_text"),
    "model": ("llm", "engine", "model_path", "policy"),
    "prompt_id": ("problem_id", "task_id", "item_id", "instance_id", "example_id", "question_index", "id"),
    "arm": ("condition", "cell", "treatment", "group", "experiment_arm"),
    "sample": (
        "epoch",
        "rollout",
        "rollout_id",
        "repeat",
        "trial",
        "variant",
        "attempt",
        "seed",
        "run_index",
    ),
    "setting": ("scenario", "environment", "env", "experiment"),
    "checkpoint": ("revision", "adapter"),
    "training_step": ("global_step", "step"),
    "goal_nudge": ("nudge", "goal"),
    "family": ("category", "topic", "domain", "subject", "dataset", "source"),
    "external_id": ("id", "uid", "sample_id", "row_id", "response_id", "_id"),
    "annotator": ("who", "annotated_by", "labelled_by", "labeled_by"),
}

# Fields that are an arm only if their values speak of one.
SPEAKS_OF_ARM = (
    "environment",
    "env",
    "condition",
    "scenario",
    "setting",
    "mode",
    "split",
    "debug_mode",
    "user_type",
)

# A field whose name holds one of these words is a judge's verdict, if its values are short.
SCORE_WORDS = frozenset(
    [
        "score",
        "scores",
        "grade",
        "graded",
        "correct",
        "verdict",
        "judge",
        "judged",
        "judgement",
        "judgment",
        "rating",
        "evaluation",
        "classification",
        "passed",
        "success",
        "complied",
        "compliance",
        "compliant",
        "refused",
        "refusal",
        "accepted",
        "acceptance",
        "label",
        "reward",
        "probability",
        "faking",
        "deceptive",
    ]
)

# What a judge's words may mean. Only ever suggested: in some published logs they mean the contrary.
_SUGGESTED = {
    "complied": frozenset(
        ["yes", "true", "complied", "complies", "comply", "compliant", "accept", "accepted"]
    ),
    "refused": frozenset(["no", "false", "refused", "refuses", "refuse", "refusal", "reject", "rejected"]),
    "partly": frozenset(["partly", "partial", "partially"]),
    "unclear": frozenset(["unclear", "unknown", "n_a", "na", "unsure"]),
}
_YES_NO = frozenset(["yes", "no", "true", "false"])
_CONTRARY = frozenset(["refused", "refusal", "refuse", "reject", "rejected"])
_BETWEEN = re.compile(r"[^0-9a-z.]+")
_HUMP = re.compile(r"([a-z0-9])([A-Z])")


def usual_spelling(path: str) -> str:
    """The path as the lists here write it: modelOutput and Model-Output are model_output."""
    return _BETWEEN.sub("_", _HUMP.sub(r"\1_\2", path).lower()).strip("_")


def words_of(path: str) -> frozenset[str]:
    """The words of a path."""
    return frozenset(usual_spelling(path).replace(".", "_").split("_"))


def suggested_outcome(path: str, value: str) -> str:
    """The outcome that a score's word may mean, or "". Yes under a name that speaks of refusing is refused."""
    word = usual_spelling(value)
    outcome = next((outcome for outcome, words in _SUGGESTED.items() if word in words), "")
    if word in _YES_NO and words_of(path) & _CONTRARY:
        return {"complied": "refused", "refused": "complied"}[outcome]
    return outcome
