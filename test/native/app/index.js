import { AppRegistry } from 'react-native';
import { AskScreen } from './ask-screen';
import { AssistantScreen } from './assistant-screen';

AppRegistry.registerComponent('DashRelay', () => AskScreen);
AppRegistry.registerComponent('DashAssistant', () => AssistantScreen);
