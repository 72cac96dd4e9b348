const { src, dest } = require('gulp');

/** Copies what `tsc` leaves behind into `dist`: the icons and the codex files of the nodes. */
function assets() {
	return src(['icons/*.svg', 'nodes/**/*.node.json'], { base: '.', encoding: false }).pipe(dest('dist'));
}

exports.assets = assets;
