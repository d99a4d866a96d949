/** What must show in no log line and no answer: whole tokens, each part of one that tells something, and keys. */

/** A shorter part could stand in a line by chance. */
const SHORTEST = 12;

export class Secrets {
  readonly #needles = new Set<string>();

  /** Returns it, so that it is known before it is sent. */
  add<Text extends string>(secret: Text): Text {
    if (secret.length >= SHORTEST) this.#needles.add(secret);
    for (const part of secret.split('.')) if (part.length >= SHORTEST) this.#needles.add(part);
    return secret;
  }

  /** Those that `text` holds. */
  in(text: string): string[] {
    return [...this.#needles].filter((needle) => text.includes(needle));
  }
}
