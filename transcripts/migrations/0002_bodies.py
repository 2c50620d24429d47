"""What models cannot say: compressed columns stored as they are, a key of four columns, immutability."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("transcripts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=[
                "ALTER TABLE transcripts_transcriptbody ALTER COLUMN packed SET STORAGE EXTERNAL",
                "ALTER TABLE transcripts_verdict ALTER COLUMN detail SET STORAGE EXTERNAL",
                """
                ALTER TABLE transcripts_transcript ADD CONSTRAINT transcript_of_its_pair
                    FOREIGN KEY (pair_id, study_id, run_id, prompt_id)
                    REFERENCES transcripts_pair (id, study_id, run_id, prompt_id) DEFERRABLE INITIALLY DEFERRED
                """,
                """
                CREATE FUNCTION transcripts_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'transcripts are immutable: % on % refused', TG_OP, TG_TABLE_NAME
                        USING ERRCODE = 'integrity_constraint_violation';
                END $$
                """,
                """
                CREATE TRIGGER transcript_body_immutable BEFORE UPDATE ON transcripts_transcriptbody
                    FOR EACH STATEMENT EXECUTE FUNCTION transcripts_refuse_change()
                """,
                """
                CREATE TRIGGER transcript_identity_immutable
                    BEFORE UPDATE OF study_id, pair_id, run_id, prompt_id, arm_id, sample, content_sha256,
                        ingest_id, locator ON transcripts_transcript
                    FOR EACH STATEMENT EXECUTE FUNCTION transcripts_refuse_change()
                """,
            ],
            reverse_sql=[
                "DROP TRIGGER transcript_identity_immutable ON transcripts_transcript",
                "DROP TRIGGER transcript_body_immutable ON transcripts_transcriptbody",
                "DROP FUNCTION transcripts_refuse_change()",
                "ALTER TABLE transcripts_transcript DROP CONSTRAINT transcript_of_its_pair",
                "ALTER TABLE transcripts_verdict ALTER COLUMN detail SET STORAGE EXTENDED",
                "ALTER TABLE transcripts_transcriptbody ALTER COLUMN packed SET STORAGE EXTENDED",
            ],
        )
    ]
