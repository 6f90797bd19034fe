/** Errors a user can act on, named as in containers/common/errors.py. Their message is one sentence. */

export class UserError extends Error {
  get name() {
    return this.constructor.name;
  }
}

export class MediaError extends UserError {}
export class ModelMissing extends UserError {}
export class ModelCorrupt extends UserError {}
export class StorageError extends UserError {}
