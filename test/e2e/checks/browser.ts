import type { Check } from '../check';
export const browserChecks: Check[] = [];
