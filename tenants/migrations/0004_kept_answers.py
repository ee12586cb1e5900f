import django.db.models.deletion
from django.db import migrations, models

SCOPES = [
    'calls:read', 'messages:read', 'messages:write', 'knowledge:read', 'knowledge:write',
    'receptionist:read', 'receptionist:write', 'team:read',
]


def allow_everything(apps, schema_editor):
    """Keys made before there were scopes may do everything, as was meant."""
    apps.get_model('tenants', 'ApiKey').objects.filter(scopes=[]).update(scopes=SCOPES)


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0003_tenant_profile_digest'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeptAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64)),
                ('request', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(default=0)),
                ('body', models.BinaryField(default=bytes)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('key', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='kept_answers', to='tenants.apikey')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('key', 'name'), name='answered_once')],
            },
        ),
        migrations.RunPython(allow_everything, migrations.RunPython.noop),
    ]
