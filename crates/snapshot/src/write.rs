//! From an engine to a file.

use ringside_domain::Sequence;
use ringside_engine::Engine;
use ringside_storage::{Draft, StorageError};

use crate::format::{Extent, HEADER_LENGTH, Header, Position, SECTIONS};
use crate::records::*;
use crate::section::SectionWriter;

/// What a snapshot is made of.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The state after the command at `position`.
    pub engine: &'a Engine,
    /// Its hash: computed by the caller, who needs it anyway.
    pub state_hash: u64,
    /// Where in the journal.
    pub position: Position,
    /// The command that began the SoupBinTCP session; 0 = none has.
    pub session_sequence: Sequence,
    /// Streams by login id - 1.
    pub streams: &'a [StreamImage],
}

/// Writes a snapshot to an empty draft. Nothing is durable before the draft is synced.
pub fn write(content: &Content<'_>, draft: &mut impl Draft) -> Result<Header, StorageError> {
    draft.write(&[0; HEADER_LENGTH])?;
    let mut out = SectionWriter::new(draft, HEADER_LENGTH as u64);
    let format_version = version_for(content.engine);
    let extents = sections(content, format_version, &mut out)?;
    let file_length = out.end();
    let header = Header {
        format_version,
        position: content.position,
        state_hash: content.state_hash,
        config_hash: content.engine.config_hash(),
        rules_version: content.engine.venue_state().rules.version(),
        file_length,
        session_sequence: content.session_sequence,
        extents,
    };
    draft.overwrite(0, &header.encode())?;
    Ok(header)
}

/// The oldest format that can say it: what an older venue understood it goes on understanding.
fn version_for(engine: &Engine) -> u16 {
    if engine.logins().iter().any(|login| login.state().has_grace()) { 2 } else { 1 }
}

fn sections<F: Draft>(
    content: &Content<'_>,
    format_version: u16,
    out: &mut SectionWriter<'_, F>,
) -> Result<[Extent; SECTIONS.len()], StorageError> {
    let engine = content.engine;
    out.put(&VenueV1::of(&engine.venue_state()))?;
    let venue = out.finish()?;
    engine.instrument_images().try_for_each(|image| out.put(&InstrumentV1::of(&image)))?;
    let instruments = out.finish()?;
    match format_version {
        1 => engine.login_states().iter().try_for_each(|state| out.put(&LoginV1::of(state)))?,
        _ => engine.login_states().iter().try_for_each(|state| out.put(&LoginV2::of(state)))?,
    }
    let logins = out.finish()?;
    engine.channel_images().try_for_each(|image| out.put(&ChannelV1::of(&image)))?;
    let channels = out.finish()?;
    let [orders, specials] = orders(engine, out)?;
    engine.limits_states().try_for_each(|state| out.put(&LimitsV1::of(&state)))?;
    let limits = out.finish()?;
    engine.killed_scopes().try_for_each(|scope| out.put(&ScopeV1::of(scope)))?;
    let killed = out.finish()?;
    engine.exposure_states().try_for_each(|state| out.put(&ExposureV1::of(&state)))?;
    let exposures = out.finish()?;
    engine.restrictions().try_for_each(|found| out.put(&RestrictionV1::of(found)))?;
    let restrictions = out.finish()?;
    engine.balance_states().try_for_each(|state| out.put(&BalanceV1::of(&state)))?;
    let balances = out.finish()?;
    engine.busted().try_for_each(|match_number| out.put(&BustedV1::of(match_number)))?;
    let busted = out.finish()?;
    (1..).zip(content.streams).try_for_each(|(login, image)| out.put(&StreamV1::of(login, image)))?;
    let streams = out.finish()?;
    engine.asset_states().try_for_each(|state| out.put(&AssetV1::of(&state)))?;
    let assets = out.finish()?;
    engine.past_owners().try_for_each(|past| out.put(&PastOwnerV1::of(&past)))?;
    let past_owners = out.finish()?;
    engine.past_assets().try_for_each(|past| out.put(&PastAssetsV1::of(&past)))?;
    let past_assets = out.finish()?;
    Ok([
        venue,
        instruments,
        logins,
        channels,
        orders,
        specials,
        limits,
        killed,
        exposures,
        restrictions,
        balances,
        busted,
        streams,
        assets,
        past_owners,
        past_assets,
    ])
}

/// Orders, then what the special ones among them have besides.
fn orders<F: Draft>(engine: &Engine, out: &mut SectionWriter<'_, F>) -> Result<[Extent; 2], StorageError> {
    let mut specials = Vec::new();
    let mut written = Ok(());
    engine.for_each_order_image(|order, special| {
        specials.extend(special.as_ref().map(SpecialV1::of));
        // Cannot truncate: there are at most as many as live orders.
        let number = if special.is_some() { specials.len() as u32 } else { 0 };
        if written.is_ok() {
            written = out.put(&OrderV1::of(order, number));
        }
    });
    written?;
    let orders = out.finish()?;
    specials.iter().try_for_each(|special| out.put(special))?;
    Ok([orders, out.finish()?])
}
