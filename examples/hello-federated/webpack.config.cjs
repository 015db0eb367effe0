const { container, DefinePlugin } = require("webpack");
const plugin = require("./plugin.json");

module.exports = {
  mode: "production",
  entry: {},
  output: {
    path: `${__dirname}/dist`,
    filename: "[name].js",
    chunkFilename: "[name].[contenthash:8].js",
    // Chunks are loaded from beside the entry, so with the same key in their address.
    publicPath: "auto",
    uniqueName: plugin.scope,
    // As the entry itself: another origin's scripts, without cookies.
    crossOriginLoading: "anonymous",
    clean: true,
  },
  plugins: [
    new DefinePlugin({ VERSION: JSON.stringify(plugin.version) }),
    new container.ModuleFederationPlugin({
      name: plugin.scope,
      filename: "remoteEntry.js",
      exposes: { "./Greeting": "./src/greeting.js" },
    }),
  ],
};
