/** The refusals of uploads that are of no file, but of how many there are. */
import { RelayError } from '../protocol/relay-error.ts';
import type { UploadLimits } from './port.ts';

export function tooManyUploads({ files, bytes }: UploadLimits): RelayError {
  const most = `at most ${files} files of ${bytes} bytes in all wait for a question`;
  return new RelayError('too_many_uploads', `${most}; ask about one, or remove one`, {
    cause: 'uploads_of_user',
  });
}

export function noRoom(): RelayError {
  return new RelayError('unavailable', 'there is no room for files at the moment; try again', {
    cause: 'uploads',
  });
}

/** The same, whether there was one, whoever's it is. @param message index of the message that names it */
export function unknownUpload(message: number): RelayError {
  return new RelayError(
    'unknown_upload',
    `messages.${message}: no such upload, or no longer; send the file again`,
  );
}
