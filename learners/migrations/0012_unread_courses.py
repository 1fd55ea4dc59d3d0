from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('learners', '0011_labels'),
    ]

    operations = [
        migrations.AddField(
            model_name='walk',
            name='unread',
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
