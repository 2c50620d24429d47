"""Cases of the catalogue that are not, or not only, about what a file holds: the tests that cover them, by name."""

from __future__ import annotations

_INGEST = "tests.transcripts.test_ingest"
_FAULTS = "tests.transcripts.test_ingest_faults"
_UPLOADS = "tests.afdash.test_uploads"
_CORPUS = "tests.transcripts.corpus.test_over_time"
_PROPERTIES = "tests.transcripts.corpus.test_properties"
_PAGES = "tests.transcripts.test_ingest_pages"
_FOLDER = "tests.transcripts.places.test_folder"
_BUCKET = "tests.transcripts.places.test_bucket"
_FETCHING = "tests.transcripts.places.test_fetching"
_HOSTILE = "tests.transcripts.readers.archives.test_hostile"

ELSEWHERE: dict[str, tuple[str, ...]] = {
    "I-23": (f"{_CORPUS}::test_a_file_that_has_grown_adds_only_what_is_new",),
    "I-37": (f"{_INGEST}::test_a_file_that_is_being_ingested_is_not_ingested_a_second_time",),
    # The bytes that are hashed are those that are kept: a file that changes meanwhile cannot differ from its hash.
    "I-57": (
        f"{_FAULTS}::test_an_upload_that_breaks_off_leaves_nothing",
        f"{_FOLDER}::test_a_file_that_changes_while_it_is_read_is_not_taken",
        f"{_FETCHING}::test_a_file_that_changes_meanwhile_is_tried_once_more",
    ),
    "I-58": (
        f"{_BUCKET}::test_what_is_wrong_is_said_in_a_sentence_without_addresses",
        f"{_BUCKET}::test_a_reading_goes_on_where_the_line_was_cut",
        f"{_BUCKET}::test_a_line_that_is_always_cut_is_given_up",
        f"{_BUCKET}::test_an_object_that_is_replaced_meanwhile_is_not_taken",
        f"{_FETCHING}::test_a_store_that_is_away_is_asked_again_with_growing_pauses",
        f"{_FAULTS}::test_a_source_that_was_stored_half_is_stored_whole_the_next_time",
        f"{_FAULTS}::test_a_source_missing_from_storage_is_said_in_a_sentence",
    ),
    "I-59": (
        f"{_UPLOADS}::test_an_oversized_upload_is_refused_before_it_is_read",
        f"{_UPLOADS}::test_a_file_of_who_is_not_signed_in_is_not_kept",
        f"{_FAULTS}::test_an_upload_that_breaks_off_leaves_nothing",
    ),
    "I-60": (
        f"{_PAGES}::test_the_shell_ingests_a_folder_into_a_new_study",
        f"{_PAGES}::test_the_shell_says_what_it_leaves_out_of_a_folder",
        f"{_FOLDER}::test_links_lead_nowhere",
        f"{_FOLDER}::test_what_is_no_file_is_named_and_never_waited_for",
        f"{_FOLDER}::test_names_that_are_no_utf_8_are_shown_escaped_and_can_be_asked_for",
    ),
    "I-61": (f"{_CORPUS}::test_what_looks_like_a_secret_is_kept_and_never_logged",),
    # Nothing here gives a transcript's text to a language model, so there is nobody to be told what to do.
    "I-62": (f"{_CORPUS}::test_what_looks_like_a_secret_is_kept_and_never_logged",),
    "I-63": (
        f"{_INGEST}::test_a_cancelled_ingest_takes_no_more_rows_and_can_go_on_later",
        f"{_INGEST}::test_a_worker_that_lost_its_lease_writes_nothing",
    ),
    "I-64": (f"{_CORPUS}::test_a_study_with_files_cannot_be_deleted_under_its_ingest",),
    "I-65": (
        f"{_PROPERTIES}::test_a_changed_file_gives_items_or_a_sentence",
        f"{_PROPERTIES}::test_what_was_written_is_found_again",
        f"{_HOSTILE}::test_changed_archives_end_in_words",
    ),
}
