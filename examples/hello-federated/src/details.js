export function details(document) {
  const text = document.createElement("p");
  text.textContent = `These words came in a chunk of version ${VERSION}.`;
  return text;
}
