// The package for those who load it as a library: every node and credential class by its name.
// n8n itself reads the paths in the "n8n" block of package.json.
const { n8n } = require('./package.json');

for (const path of [...n8n.nodes, ...n8n.credentials]) {
	Object.assign(exports, require(`./${path}`));
}
