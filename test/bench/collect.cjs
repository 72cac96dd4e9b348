// Loaded into n8n before its own code: collects all garbage on SIGUSR2. n8n is left with some 300 MB of it by its
// start, which V8 collects by itself after about a minute without work; before that, they would be part of "idle".
if (process.argv[2] === 'start') {
	require('node:v8').setFlagsFromString('--expose-gc');
	const collect = require('node:vm').runInNewContext('gc');
	process.on('SIGUSR2', () => collect({ type: 'major', execution: 'sync', flavor: 'last-resort' }));
}
