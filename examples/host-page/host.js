// The page: a login, then a card for each of the user's modules. All that is Plugyard's own is in plugyard.js.

import { addImportMap, ask, enabledPlugins, load, server } from "./plugyard.js";

const at = (id) => document.getElementById(id);
// For this tab alone, and it survives a reload. A real application keeps tokens where it keeps its own.
const store = sessionStorage;

at("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  at("refused").textContent = "";
  try {
    const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
    const login = await ask("/api/v1/auth/login", { method: "POST", headers: { "content-type": "application/json" }, body });
    store.setItem("token", login.access_token);
    store.setItem("name", login.user.username);
    await show();
  } catch (error) {
    at("refused").textContent = error.status ? error.message : `${server} does not answer this page: ${error.message}`;
  }
});

at("logout").addEventListener("click", async () => {
  await ask("/api/v1/auth/logout", { method: "POST", token: store.getItem("token") }).catch(console.warn);
  store.clear();
  location.reload(); // what plugins brought into the page goes with it
});

async function show() {
  const token = store.getItem("token");
  const plugins = token ? await enabledPlugins(token) : [];
  at("login").hidden = Boolean(token);
  at("who").hidden = !token;
  if (!token) return;
  at("name").textContent = store.getItem("name");
  await addImportMap(token);
  if (plugins.length === 0) at("plugins").textContent = "You have no plugin, or none is switched on.";
  // One that cannot be loaded must not keep the others away.
  await Promise.all(plugins.map(showPlugin));
}

async function showPlugin(plugin) {
  const modules = plugin.modules.filter((module) => module.enabled);
  const cards = modules.map((module) => card(plugin, module));
  at("plugins").append(...cards);
  const mounter = load(plugin);
  await Promise.all(modules.map(async (module, index) => {
    const place = cards[index].querySelector("div");
    try {
      const mount = await (await mounter)(module);
      await mount(place, { config: plugin.config, moduleConfig: module.config });
    } catch (error) {
      place.textContent = error.message;
      place.setAttribute("role", "alert");
    }
  }));
}

function card(plugin, module) {
  const section = document.createElement("section");
  section.dataset.module = `${plugin.plugin_slug}/${module.id}`;
  const title = document.createElement("h2");
  const version = document.createElement("small");
  version.textContent = ` ${plugin.name} ${plugin.version}`;
  title.append(module.displayName ?? module.name, version);
  section.append(title, document.createElement("div"));
  return section;
}

show().catch((error) => {
  // An ended login is the usual reason.
  store.clear();
  at("login").hidden = false;
  at("refused").textContent = error.message;
});
