// A policy that throws when it is asked who it is, as tests/guests/nameless does.

export default class Nameless {
  static get description() {
    throw new Error('it has no name');
  }

  decide() {}
}
