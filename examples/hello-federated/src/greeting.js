// What the container exposes as `./Greeting`: `mount(element, { config })` fills the element.

export function mount(element, { config }) {
  const document = element.ownerDocument;
  const text = document.createElement("p");
  text.textContent = `Hello, ${config.name}, from version ${VERSION}!`;
  const more = document.createElement("button");
  more.type = "button";
  more.textContent = "More";
  more.addEventListener("click", async () => {
    // A chunk of its own, fetched at the click from beside the entry, whatever address that came from.
    const { details } = await import("./details.js");
    more.replaceWith(details(document));
  });
  element.append(text, more);
}
