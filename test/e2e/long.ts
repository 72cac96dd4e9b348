/** The checks that take minutes each: `npm run test:long`. */
import type { Check } from './check';
import { attackChecks } from './checks/attack';
import { formChecks } from './checks/browser';
import { longPollChecks } from './checks/polls';
import { queueFaultChecks } from './checks/queueFaults';
import { soakChecks } from './checks/soak';
import { spreadsheetChecks } from './checks/spreadsheet';

export const long: Check[] = [
	...attackChecks,
	...soakChecks,
	...formChecks,
	...longPollChecks,
	...queueFaultChecks,
	...spreadsheetChecks,
];
