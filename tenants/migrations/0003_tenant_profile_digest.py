
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0002_extension_and_audit'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenant',
            name='profile_digest',
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
