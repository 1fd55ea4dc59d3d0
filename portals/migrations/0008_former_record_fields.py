from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portals', '0007_listed'),
    ]

    operations = [
        migrations.AddField(
            model_name='portal',
            name='former_record_fields',
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
