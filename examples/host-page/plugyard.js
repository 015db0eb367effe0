// Everything that a page needs to know of Plugyard: ask for what this user has, load it, mount it.

/** The server: `?server=http://127.0.0.1:8420` in the page's address, or the default. */
export const server = new URL(new URLSearchParams(location.search).get("server") ?? "http://127.0.0.1:8420").origin;

/** Sends a request; a problem answer is thrown as an Error with the server's own words. */
export async function ask(path, { token, ...options } = {}) {
  const headers = { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) };
  const answer = await fetch(new URL(path, server), { ...options, headers });
  const content = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(content.detail), { status: answer.status });
  return content;
}

/** The user's enabled plugins with their modules, in the order of their names. */
export async function enabledPlugins(token) {
  const plugins = await ask("/api/v1/plugins/manifest/designer", { token });
  return Object.values(plugins).sort((one, other) => one.name.localeCompare(other.name));
}

/** Tells the browser where each JavaScript module is and what it must be; has to come before the first `import`. */
export async function addImportMap(token) {
  const absolute = (address) => new URL(address, server).href;
  const { imports, integrity } = await ask("/api/v1/plugins/importmap", { token });
  const map = document.createElement("script");
  map.type = "importmap";
  map.textContent = JSON.stringify({
    imports: Object.fromEntries(Object.entries(imports).map(([name, address]) => [name, absolute(address)])),
    integrity: Object.fromEntries(Object.entries(integrity).map(([address, hash]) => [absolute(address), hash])),
  });
  document.head.append(map);
}

/** Loads a plugin's code; the result makes the module's `mount` function. */
export async function load(plugin) {
  if (plugin.bundlemethod === "esm") {
    const code = await import(plugin.plugin_slug);
    return async (module) => (...args) => code.mount(module.id, ...args);
  }
  const container = await loadContainer(plugin);
  return async (module) => (await container.get(`./${module.name}`))().mount;
}

/** A Module Federation container: a script that defines a global, and finds its chunks beside itself. */
async function loadContainer(plugin) {
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(plugin.entry_url, server).href;
    script.integrity = plugin.integrity;
    script.crossOrigin = "anonymous"; // or else the browser cannot check another origin's file
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${script.src} cannot be loaded`));
    document.head.append(script);
  });
  const container = globalThis[plugin.scope];
  if (!container) throw new Error(`the bundle defines no container ${plugin.scope}`);
  await container.init({}); // libraries that page and plugins share would be named here
  return container;
}
