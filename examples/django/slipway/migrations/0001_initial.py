from django.db import migrations, models
from django.db.models.deletion import CASCADE
from wagtail.fields import RichTextField, StreamField

from embedkit.integrations.django.fields import GettyField
from embedkit.integrations.wagtail import GettyChooserBlock


class Migration(migrations.Migration):
    initial = True
    dependencies = (("wagtailcore", "0040_page_draft_title"),)
    operations = (
        migrations.CreateModel(
            name="Post",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("title", models.CharField(max_length=200)),
                ("picture", GettyField(blank=True, help_text="Shown above the text.", max_length=2000)),
                ("body", models.TextField(help_text="Plain text. [getty 74917285] adds another picture.")),
            ],
        ),
        migrations.CreateModel(
            name="StoryPage",
            fields=[
                (
                    "page_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="wagtailcore.page",
                    ),
                ),
                ("picture", GettyField(blank=True, help_text="Shown above the text.", max_length=2000)),
                ("body", RichTextField()),
                ("pictures", StreamField([("getty", GettyChooserBlock())], blank=True)),
            ],
            options={"abstract": False},
            bases=("wagtailcore.page",),
        ),
    )
