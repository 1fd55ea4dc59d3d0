from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('learners', '0013_presence_by_portal'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='learner',
            index=models.Index(
                condition=models.Q(('invitation', 'sending')), fields=['account'], name='learner_sending'
            ),
        ),
    ]
