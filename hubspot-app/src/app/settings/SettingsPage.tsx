// What HubSpot loads for the app's Settings tab (Connected apps).
import React from 'react';
import { hubspot } from '@hubspot/ui-extensions';
import { Settings } from './Settings';

hubspot.extend<'settings'>(() => <Settings />);
