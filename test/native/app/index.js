import { AppRegistry } from 'react-native';
import { AskScreen } from './ask-screen';

AppRegistry.registerComponent('DashRelay', () => AskScreen);
