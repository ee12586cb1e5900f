"""The vector extension for every schema, and an audit trail that only grows."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        # In public by name: made in a tenant's migration it would land in that tenant's schema alone.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public", migrations.RunSQL.noop),
        migrations.RunSQL(
            """
            CREATE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END $$;
            CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON public.tenants_auditevent
                FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
            """,
            """
            DROP TRIGGER audit_is_append_only ON public.tenants_auditevent;
            DROP FUNCTION public.refuse_change();
            """,
        ),
    ]
