/* The picker as a widget in Wagtail's blocks, which are created in the browser. */

class GettyWidget {
  #html;

  constructor(html) {
    this.#html = html;
  }

  render(placeholder, name, id, state) {
    const template = document.createElement("template");
    template.innerHTML = this.#html.replaceAll("__NAME__", name).replaceAll("__ID__", id);
    const field = template.content.firstElementChild;
    placeholder.replaceWith(field);
    const bound = new BoundGettyWidget(field);
    bound.setState(state);
    return bound;
  }

  getByName(name, container) {
    return new BoundGettyWidget(container.querySelector(`[name="${CSS.escape(name)}"]`));
  }
}

/* The element, or the plain field if there is no service. */
class BoundGettyWidget {
  #field;

  constructor(field) {
    this.#field = field;
  }

  get idForLabel() {
    return this.#field.id;
  }

  getValue() {
    return this.#field.value ?? this.#field.getAttribute("value") ?? "";
  }

  getState() {
    return this.getValue();
  }

  /* Also sets the attribute, which the element reads once its script has loaded. */
  setState(state) {
    this.#field.setAttribute("value", state ?? "");
    this.#field.value = state ?? "";
  }

  getTextLabel() {
    return this.getValue();
  }

  setInvalid(invalid) {
    this.#field.toggleAttribute("aria-invalid", invalid);
  }

  focus(options) {
    if (!options?.soft) this.#field.focus();
  }
}

window.telepath.register("embedkit.GettyWidget", GettyWidget);
