from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calls", "0002_outlines_and_what_is_new"),
    ]

    operations = [
        migrations.AddField(
            model_name="call",
            name="is_test",
            field=models.BooleanField(
                default=False, help_text="Placed by the business itself from the test-call panel"
            ),
        ),
    ]
