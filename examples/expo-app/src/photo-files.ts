import { Directory, Paths } from 'expo-file-system';

/** Where Expo's packages put the photos that were taken or chosen, and what was made of them. */
const FOLDERS = ['ImagePicker', 'ImageManipulator'];

/** Removes every photo that the app has a copy of. Those in the photo library are the person's own. */
export async function forgetPhotos(): Promise<void> {
  for (const name of FOLDERS) {
    const folder = new Directory(Paths.cache, name);
    if (folder.exists) folder.delete();
  }
}
