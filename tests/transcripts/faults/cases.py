"""The numbered faults of queue and database, and where each is tried as far as it concerns the ingest."""

from __future__ import annotations

from dataclasses import dataclass

FAULTS = [f"F-{n:02}" for n in [*range(1, 19), *range(20, 37)]]
HERE = "tests.transcripts.faults"


@dataclass(frozen=True, slots=True)
class Case:
    fault: str
    tests: tuple[str, ...]
    elsewhere: str = ""  # why not (only) here


def _case(fault: str, *tests: str, elsewhere: str = "") -> Case:
    return Case(fault, tuple(t if t.startswith("tests.") else f"{HERE}.{t}" for t in tests), elsewhere)


CASES = {
    "F-01": _case(
        "message popped and lost",
        "test_broker::test_messages_that_vanish_cost_seconds",
        "tests.transcripts.test_worker::test_a_lost_message_costs_seconds_not_the_ingest",
    ),
    "F-02": _case(
        "worker killed",
        "test_processes::test_a_killed_main_process",
        "tests.transcripts.test_worker::test_kill_9_at_random_loses_and_doubles_nothing",
    ),
    "F-03": _case("child killed", "test_processes::test_a_killed_child_is_replaced_and_nothing_is_lost"),
    "F-04": _case(
        "poison",
        "test_processes::test_a_file_that_kills_every_parser_is_given_up_and_no_other",
        "test_waiting::test_what_waiting_does_not_cure_is_given_up",
    ),
    "F-05": _case(
        "task longer than the visibility timeout",
        "test_promises::test_a_message_is_off_the_queue_before_its_task_begins",
        "tests.transcripts.test_worker::test_a_slow_step_keeps_its_lease",
    ),
    "F-06": _case(
        "Redis restarts",
        "test_broker::test_three_restarts_of_redis",
        "test_broker::test_what_is_uploaded_meanwhile_is_queued_quickly_and_read_afterwards",
    ),
    "F-07": _case(
        "Redis emptied",
        "test_broker::test_messages_that_vanish_cost_seconds",
        "test_promises::test_redis_refuses_rather_than_forgets",
    ),
    "F-08": _case(
        "Redis down or hung when somebody acts",
        "test_broker::test_what_is_uploaded_meanwhile_is_queued_quickly_and_read_afterwards",
        "test_broker::test_a_worker_whose_redis_froze_is_no_zombie",
        "tests.transcripts.test_worker::test_no_worker_is_said_within_ten_seconds_of_its_end",
    ),
    "F-09": _case(
        "Redis full",
        "test_broker::test_what_is_uploaded_meanwhile_is_queued_quickly_and_read_afterwards",
    ),
    "F-10": _case(
        "delivered twice, at once, late",
        "test_broker::test_doubled_concurrent_and_late_messages_have_one_effect",
        "test_tasks::test_every_task_of_the_application_is_tried_here",
        "test_tasks::test_delivered_twice_at_once_and_late_it_has_one_effect",
    ),
    "F-11": _case("out of order", "test_tasks::test_a_step_before_its_time_is_not_done"),
    "F-12": _case(
        "frozen worker",
        "test_processes::test_a_worker_frozen_for_longer_than_its_lease_writes_nothing_more",
        "test_processes::test_whoever_freezes_inside_a_transaction_loses_its_locks",
        "test_waiting::test_a_batch_is_refused_whole_when_its_fence_is_gone",
        "tests.transcripts.test_ingest::test_a_worker_that_lost_its_lease_writes_nothing",
    ),
    "F-13": _case(
        "asked to stop", "test_processes::test_a_worker_that_is_asked_to_stop_hands_its_step_back_at_once"
    ),
    "F-14": _case(
        "unknown task or arguments",
        "test_broker::test_damaged_and_unknown_messages_are_dropped_and_the_worker_lives",
    ),
    "F-15": _case(
        "memory",
        "test_promises::test_a_message_is_off_the_queue_before_its_task_begins",
        elsewhere="A parser is replaced after MOST_JOBS jobs: tests/transcripts/jail/test_parser.py. No soak test.",
    ),
    "F-16": _case(
        "no beat, two beats, clock",
        "test_processes::test_a_killed_beat_is_started_again",
        "test_processes::test_two_workers_each_with_a_beat",
        "test_promises::test_a_worker_whose_clock_is_wrong_holds_a_right_lease",
    ),
    "F-17": _case("small behind large", "test_broker::test_a_small_file_is_not_stuck_behind_large_ones"),
    "F-18": _case(
        "damaged message", "test_broker::test_damaged_and_unknown_messages_are_dropped_and_the_worker_lives"
    ),
    "F-20": _case("server restarts", "test_database::test_a_server_that_is_stopped_or_killed_and_comes_back"),
    "F-21": _case(
        "terminated while writing",
        "test_database::test_a_batch_that_is_cut_off_is_written_once",
        elsewhere="Of a label: tests/annotations/test_saving.py, by its idempotency key.",
    ),
    "F-22": _case(
        "COMMIT done, its answer lost",
        "test_database::test_the_answer_to_a_commit_is_lost",
        "tests.transcripts.test_ingest_faults::test_a_commit_whose_answer_was_lost_is_not_counted_twice",
    ),
    "F-23": _case(
        "connection cut in a COPY",
        "test_database::test_connections_cut_in_the_middle_of_a_batch",
        "test_database::test_connections_that_end_or_fall_silent",
        "test_database::test_a_slow_way_to_the_database_is_only_slow",
        "test_promises::test_a_connection_that_leads_nowhere_is_noticed",
    ),
    "F-24": _case(
        "deadlock, serialization failure",
        "test_waiting::test_a_deadlock_is_tried_again",
        "test_waiting::test_however_long_it_lasts_it_is_no_failure_of_the_file",
    ),
    "F-25": _case("locked", "test_database::test_what_passes_is_waited_for"),
    "F-26": _case("statement too slow", "test_database::test_a_batch_that_is_cut_off_is_written_once"),
    "F-27": _case(
        "idle in a transaction", "test_processes::test_whoever_freezes_inside_a_transaction_loses_its_locks"
    ),
    "F-28": _case("no connection free", "test_database::test_what_passes_is_waited_for"),
    "F-29": _case(
        "disk full",
        "test_disk::test_a_disk_that_is_really_full",
        "test_database::test_what_passes_is_waited_for",
        "test_waiting::test_however_long_it_lasts_it_is_no_failure_of_the_file",
    ),
    "F-30": _case(
        "server killed",
        "test_database::test_a_server_that_is_stopped_or_killed_and_comes_back",
        "test_promises::test_nobody_can_make_the_embedded_server_forgetful",
    ),
    "F-31": _case(
        "read-only",
        "test_database::test_what_passes_is_waited_for",
        "test_waiting::test_however_long_it_lasts_it_is_no_failure_of_the_file",
    ),
    "F-32": _case("index corruption", elsewhere="Not of the ingest: a matter of the operator's drill."),
    "F-33": _case(
        "numbers run out",
        "test_promises::test_every_number_of_a_row_has_64_bits",
        "test_waiting::test_the_constraint_holds_where_the_look_before_does_not",
    ),
    "F-34": _case("bloat", elsewhere="autovacuum keeps its defaults; nothing of ours to try."),
    "F-35": _case("long export", elsewhere="No ingest: tests/annotations/test_export.py."),
    "F-36": _case(
        "wrong clock",
        "test_promises::test_a_worker_whose_clock_is_wrong_holds_a_right_lease",
        "test_promises::test_nothing_that_holds_a_lease_asks_this_machine_for_the_time_of_day",
        "test_promises::test_the_worst_resumption_is_shorter_than_promised",
    ),
}
