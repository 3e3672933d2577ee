"""A Flask page that shows a picture in an article."""

from flask import Flask, render_template_string

from embedkit import EmbedKit

app = Flask(__name__)
kit = EmbedKit()


@app.get("/articles/<picture>")
def article(picture: str) -> str:
    figure = kit.html(picture, max_width=800, caption="The harbour at dawn.", align="left")
    styles = kit.assets("web")["css"]
    return render_template_string(
        "{% for url in styles %}{{ url }}{% endfor %}{{ figure }}", figure=figure, styles=styles
    )
