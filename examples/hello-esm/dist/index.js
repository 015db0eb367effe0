// The entry: a host imports it from the plugin's `entry_url` and calls `mount` with a module's id, the element to fill,
// and the values in force of the plugin's and the module's config. `mount` resolves to a function that takes the module
// away again.

const modules = {
  greeting(element, { config }) {
    const icon = element.ownerDocument.createElement("img");
    icon.src = new URL("../icon.svg", import.meta.url).href;
    icon.alt = "";
    element.append(icon, `Hello, ${config.name}!`);
    return () => {};
  },

  // The chunk lies beside this file, so the address that authorises this file authorises the chunk as well.
  async clock(element, { moduleConfig }) {
    const { startClock } = await import("./clock.js");
    return startClock(element, moduleConfig);
  },
};

export async function mount(id, element, { config = {}, moduleConfig = {} } = {}) {
  const start = Object.hasOwn(modules, id) ? modules[id] : null;
  if (!start) {
    throw new Error(`HelloPlugin has no module "${id}"`);
  }
  const box = element.ownerDocument.createElement("div");
  box.className = `hello-plugin hello-plugin-${config.colour ?? "green"}`;
  addStylesheet(element.ownerDocument);
  const stop = await start(box, { config: { name: "world", ...config }, moduleConfig });
  element.append(box);
  return () => {
    stop();
    box.remove();
  };
}

/** Adds the plugin's stylesheet once per page. */
function addStylesheet(document) {
  const href = new URL("./style.css", import.meta.url).href;
  const present = [...document.querySelectorAll('link[rel="stylesheet"]')].some((link) => link.href === href);
  if (!present) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    document.head.append(link);
  }
}
