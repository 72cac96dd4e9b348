/** What is said when a limit ends a list. */
import { cutOff } from '../../nodes/shared/operation/rows';
import type { Work } from '../../nodes/shared/operation/operation';

const CERTAIN = 'More results exist than the Limit of 5. Turn on Return All, or raise the Limit, to get them.';
const POSSIBLE = 'There may be more results than the Limit of 5. Turn on Return All, or raise the Limit, to get them.';

test.each([
	['of which one is certain', [false, true], [CERTAIN]],
	['of which the first is certain', [true, false], [CERTAIN]],
	['of which none is', [false, false], [POSSIBLE]],
])('one hint tells for several items, %s', (_, items, hints) => {
	const work = { request: { limit: 5, isTool: false }, hints: new Set() } as unknown as Work;
	for (const isCertain of items) cutOff(work, isCertain);
	expect([...work.hints]).toEqual(hints);
});
