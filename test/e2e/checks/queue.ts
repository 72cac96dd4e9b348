import type { Check } from '../check';
export const queueChecks: Check[] = [];
