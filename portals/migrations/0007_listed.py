from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portals', '0006_compare'),
    ]

    operations = [
        migrations.AddField(
            model_name='course',
            name='listed',
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
