from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('webhooks', '0009_labels'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='asked_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
