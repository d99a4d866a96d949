import { createRoot } from 'react-dom/client';
import { Text, View } from 'react-native';

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <View style={{ padding: 20, backgroundColor: 'papayawhip' }}>
      <Text>Dash</Text>
    </View>,
  );
}
