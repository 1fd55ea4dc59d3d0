from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portals', '0005_labels'),
    ]

    operations = [
        migrations.AddField(
            model_name='portal',
            name='compare_problem',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.AddField(
            model_name='portal',
            name='compare_after',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
