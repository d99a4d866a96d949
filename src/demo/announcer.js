/** Speaks to screen readers at the start and at the end of an answer, never token by token. */

export class Announcer {
  #region;

  constructor(region) {
    this.#region = region;
  }

  say(text) {
    this.#region.textContent = '';
    // A region that is emptied and filled in one go counts as unchanged.
    requestAnimationFrame(() => {
      this.#region.textContent = text;
    });
  }
}
