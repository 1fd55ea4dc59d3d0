from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('learners', '0009_new_learners'),
    ]

    operations = [
        migrations.AddField(
            model_name='learner',
            name='welcome_attempts',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='learner',
            name='read_attempts',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='walk',
            name='attempts',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
