from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('learners', '0008_tally'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='learner',
            index=models.Index(condition=models.Q(('state', 'new')), fields=['account'], name='learner_new'),
        ),
    ]
