/** Every secret that a simulator of this process has given out or was given: what must be nowhere but where it belongs. */
export const secrets = new Set<string>();

/** The secrets that a text holds. */
export const secretsIn = (text: string): string[] => [...secrets].filter((secret) => text.includes(secret));
