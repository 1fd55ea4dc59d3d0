from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('learners', '0012_unread_courses'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='learner',
            name='learner_presence_due',
        ),
        migrations.AddIndex(
            model_name='learner',
            index=models.Index(
                condition=models.Q(('missing_since', None), ('state__in', ['pending', 'active', 'paused'])),
                fields=['portal', 'seen_at'],
                name='learner_unseen',
            ),
        ),
        migrations.AddIndex(
            model_name='learner',
            index=models.Index(
                condition=models.Q(('missing_since__isnull', False)),
                fields=['portal', 'missing_since'],
                name='learner_missing',
            ),
        ),
    ]
