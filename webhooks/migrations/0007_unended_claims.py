from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('webhooks', '0006_lean_rows'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='unended',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
