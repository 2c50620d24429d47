"""Ground truth is append-only: triggers refuse update, delete and truncate of revisions.

The application's role cannot drop them, since it owns no table (``afdash.grants``). A codebook version
is frozen the same way: labels must keep meaning what they meant when they were given.
"""

from django.db import migrations

TABLES = ("annotations_annotationrevision", "annotations_codebookversion", "annotations_unblinding")

CREATE = """
CREATE FUNCTION annotations_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("annotations", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=[
                CREATE,
                *(
                    f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                    "FOR EACH STATEMENT EXECUTE FUNCTION annotations_refuse_change()"
                    for table in TABLES
                ),
            ],
            reverse_sql=[
                *(f"DROP TRIGGER append_only ON {table}" for table in TABLES),
                "DROP FUNCTION annotations_refuse_change()",
            ],
        )
    ]
