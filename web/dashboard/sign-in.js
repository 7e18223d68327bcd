/**
 * The form that asks for the token of an administrator; the token stays in the browser's tab.
 *
 * @module sign-in
 */

import { byId } from './elements.js';

const STORED = 'admin-token';

export class SignIn {
  #accepted;
  #field = /** @type {HTMLTextAreaElement} */ (byId('token'));

  /** @param {() => void} accepted  Called when there is a token, before anybody has checked it. */
  constructor(accepted) {
    this.token = '';
    this.#accepted = accepted;
    byId('sign-in').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#accept(this.#field.value);
    });
  }

  /**
   * Use the token of this tab, or ask for one.
   * @param {string} demoToken  That of a development machine; empty elsewhere.
   */
  begin(demoToken) {
    byId('demo-admin').hidden = !demoToken;
    byId('demo-admin').addEventListener('click', () => this.#accept(demoToken));
    const stored = sessionStorage.getItem(STORED);
    if (stored) this.#accept(stored);
    else byId('sign-in').hidden = false;
  }

  /** Forget the token and ask for another one. @param {string} problem  Why, if not by choice. */
  ask(problem = '') {
    this.token = '';
    sessionStorage.removeItem(STORED);
    byId('sign-out').hidden = true;
    byId('sign-in').hidden = false;
    byId('sign-in-problem').hidden = !problem;
    byId('sign-in-problem').textContent = problem;
    this.#field.value = '';
    this.#field.focus();
  }

  #accept(text) {
    this.token = text.trim();
    if (!this.token) return;
    sessionStorage.setItem(STORED, this.token);
    byId('sign-in').hidden = true;
    byId('sign-out').hidden = false;
    this.#accepted();
  }
}
