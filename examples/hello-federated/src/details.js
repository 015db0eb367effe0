export function details() {
  return `These words came in a chunk of version ${VERSION}.`;
}
