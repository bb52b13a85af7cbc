//! From a file to an engine.

use ringside_domain::state::{
    AssetState, BalanceState, ExposureState, LimitsState, LoginState, PastAssets, PastOwner, VenueState,
};
use ringside_domain::{InstrumentId, MatchNumber, Rules, Scope};
use ringside_engine::image::{ChannelImage, InstrumentImage, SpecialImage};
use ringside_engine::restore::{Restore, RestoreError};
use ringside_engine::{Engine, Limits};
use ringside_storage::{Disk, ReadAt};

use crate::error::{Damage, SnapshotError};
use crate::format::{HEADER_LENGTH, Header, SECTION_ALIGN, SECTIONS, Section, file_name};
use crate::records::*;
use crate::section::{Buffer, Source};

/// What a snapshot was made of.
#[derive(Debug)]
pub struct Loaded {
    /// The header.
    pub header: Header,
    /// The state.
    pub engine: Engine,
    /// Streams by login id - 1.
    pub streams: Vec<StreamImage>,
}

impl Loaded {
    /// Computes the state hash and compares it with the header's. Costs a walk over all orders.
    pub fn verify(&self) -> Result<(), SnapshotError> {
        let (expected, found) = (self.engine.state_hash(), self.header.state_hash);
        if expected != found {
            let file = file_name(self.header.position.sequence);
            return Err(Damage::StateHash { expected, found }.at(&file, 64));
        }
        Ok(())
    }
}

/// Reads and checks the header of a snapshot under this name.
pub fn read_header<D: Disk>(disk: &D, file: &str) -> Result<Header, SnapshotError> {
    header_of(&Source { reader: &disk.read(file)?, file })
}

/// Reads a snapshot. Every checksum is checked, nothing that does not match leaves this function.
pub fn load<D: Disk>(disk: &D, file: &str, limits: Limits) -> Result<Loaded, SnapshotError> {
    let reader = disk.read(file)?;
    let source = Source { reader: &reader, file };
    let header = header_of(&source)?;
    let mut buffer = Buffer::new();
    let (restore, streams) = restore(&source, &header, &mut buffer, limits)?;
    let at = header.extent(Section::Orders).offset;
    let engine = restore.finish().map_err(|error| Damage::State(error).at(file, at))?;
    Ok(Loaded { header, engine, streams })
}

fn header_of<R: ReadAt>(source: &Source<'_, R>) -> Result<Header, SnapshotError> {
    let mut bytes = [0; HEADER_LENGTH];
    source.read(0, &mut bytes)?;
    let header = Header::decode(&bytes).map_err(|(offset, damage)| damage.at(source.file, offset))?;
    let (expected, found) = (header.file_length, source.reader.length()?);
    if expected != found {
        return Err(Damage::Length { expected, found }.at(source.file, found.min(expected)));
    }
    if Rules::new(header.rules_version).is_none() {
        return Err(Damage::Rules { found: header.rules_version }.at(source.file, 80));
    }
    if !makes_sense(&header) {
        return Err(Damage::Senseless.at(source.file, 0));
    }
    Ok(header)
}

/// Sections follow one another without gaps up to the end of the file.
fn makes_sense(header: &Header) -> bool {
    let mut next = HEADER_LENGTH as u64;
    for (extent, size) in header.extents.iter().zip(sizes(header.format_version)) {
        let length =
            extent.records.checked_mul(size).map(|length| length.checked_next_multiple_of(SECTION_ALIGN));
        let end = length.flatten().and_then(|length| extent.offset.checked_add(length));
        match end {
            Some(end) if extent.offset == next => next = end,
            _ => return false,
        }
    }
    next == header.file_length && header.position.sequence > 0 && header.position.epoch != 0
}

/// Size of a record by section, in a format.
fn sizes(format_version: u16) -> [u64; SECTIONS.len()] {
    let mut sizes = SIZES;
    if format_version == 1 {
        sizes[Section::Logins as usize - 1] = size_of::<LoginV1>() as u64;
    }
    sizes
}

/// Size of a record by section, in the newest format.
const SIZES: [u64; SECTIONS.len()] = [
    size_of::<VenueV1>() as u64,
    size_of::<InstrumentV1>() as u64,
    size_of::<LoginV2>() as u64,
    size_of::<ChannelV1>() as u64,
    size_of::<OrderV1>() as u64,
    size_of::<SpecialV1>() as u64,
    size_of::<LimitsV1>() as u64,
    size_of::<ScopeV1>() as u64,
    size_of::<ExposureV1>() as u64,
    size_of::<RestrictionV1>() as u64,
    size_of::<BalanceV1>() as u64,
    size_of::<BustedV1>() as u64,
    size_of::<StreamV1>() as u64,
    size_of::<AssetV1>() as u64,
    size_of::<PastOwnerV1>() as u64,
    size_of::<PastAssetsV1>() as u64,
];

/// Reads all of a section's records as something.
fn all<T: Record, V, R: ReadAt>(
    source: &Source<'_, R>,
    header: &Header,
    section: Section,
    buffer: &mut Buffer,
    of: impl Fn(&T) -> Option<V>,
) -> Result<Vec<V>, SnapshotError> {
    let mut found = Vec::new();
    source.each(sectioned(header, section), buffer, |_, record: &T| {
        found.push(of(record)?);
        Some(())
    })?;
    Ok(found)
}

fn sectioned(header: &Header, section: Section) -> (Section, crate::format::Extent) {
    (section, header.extent(section))
}

/// Everything in the order in which it is needed.
fn restore<R: ReadAt>(
    source: &Source<'_, R>,
    header: &Header,
    buffer: &mut Buffer,
    limits: Limits,
) -> Result<(Restore, Vec<StreamImage>), SnapshotError> {
    let at = |section| header.extent(section).offset;
    let wrong = |section| move |error: RestoreError| Damage::State(error).at(source.file, at(section));
    let venue: Vec<VenueState> = all(source, header, Section::Venue, buffer, |venue: &VenueV1| {
        venue.state(Rules::new(header.rules_version)?)
    })?;
    let [venue] = venue[..] else { return Err(Damage::Senseless.at(source.file, 0)) };
    let mut restore = Restore::new(limits, venue);
    let instruments: Vec<InstrumentImage> =
        all(source, header, Section::Instruments, buffer, InstrumentV1::image)?;
    instruments
        .iter()
        .try_for_each(|image| restore.instrument(image))
        .map_err(wrong(Section::Instruments))?;
    let logins: Vec<LoginState> = match header.format_version {
        1 => all(source, header, Section::Logins, buffer, LoginV1::state)?,
        _ => all(source, header, Section::Logins, buffer, LoginV2::state)?,
    };
    logins.iter().try_for_each(|state| restore.login(state)).map_err(wrong(Section::Logins))?;
    let channels: Vec<ChannelImage> = all(source, header, Section::Channels, buffer, ChannelV1::image)?;
    channels.iter().try_for_each(|image| restore.channel(image)).map_err(wrong(Section::Channels))?;
    let specials: Vec<SpecialImage> = all(source, header, Section::Specials, buffer, SpecialV1::image)?;
    orders(source, header, buffer, &specials, &mut restore)?;
    risk(source, header, buffer, &mut restore)?;
    let mut streams = Vec::with_capacity(logins.len());
    source.each(sectioned(header, Section::Streams), buffer, |_, record: &StreamV1| {
        streams.push(record.image(streams.len() as u32 + 1)?);
        Some(())
    })?;
    if streams.len() != logins.len() {
        return Err(Damage::Senseless.at(source.file, at(Section::Streams)));
    }
    Ok((restore, streams))
}

fn orders<R: ReadAt>(
    source: &Source<'_, R>,
    header: &Header,
    buffer: &mut Buffer,
    specials: &[SpecialImage],
    restore: &mut Restore,
) -> Result<(), SnapshotError> {
    let (mut error, mut used) = (None, 0);
    source.each(sectioned(header, Section::Orders), buffer, |_, record: &OrderV1| {
        let (mut order, number) = record.order()?;
        let special = match number {
            0 => None,
            // Each special record belongs to one order.
            number if number == used + 1 => Some(specials.get(used as usize)?),
            _ => return None,
        };
        used += u32::from(special.is_some());
        if error.is_none() {
            error = restore.order(&mut order, special).err();
        }
        Some(())
    })?;
    let at = header.extent(Section::Orders).offset;
    if let Some(error) = error {
        return Err(Damage::State(error).at(source.file, at));
    }
    if used as usize == specials.len() { Ok(()) } else { Err(Damage::Senseless.at(source.file, at)) }
}

fn risk<R: ReadAt>(
    source: &Source<'_, R>,
    header: &Header,
    buffer: &mut Buffer,
    restore: &mut Restore,
) -> Result<(), SnapshotError> {
    let at = |section| header.extent(section).offset;
    let wrong = |section| move |error: RestoreError| Damage::State(error).at(source.file, at(section));
    let limits: Vec<LimitsState> = all(source, header, Section::Limits, buffer, LimitsV1::state)?;
    limits.iter().try_for_each(|state| restore.limits(state)).map_err(wrong(Section::Limits))?;
    let killed: Vec<Scope> = all(source, header, Section::Killed, buffer, ScopeV1::scope)?;
    killed.iter().try_for_each(|scope| restore.killed(*scope)).map_err(wrong(Section::Killed))?;
    let exposures: Vec<ExposureState> = all(source, header, Section::Exposures, buffer, ExposureV1::state)?;
    exposures.iter().try_for_each(|state| restore.exposure(state)).map_err(wrong(Section::Exposures))?;
    let restrictions: Vec<(Scope, InstrumentId)> =
        all(source, header, Section::Restrictions, buffer, RestrictionV1::restriction)?;
    let mut found = restrictions.iter();
    found
        .try_for_each(|found| restore.restriction(found.0, found.1))
        .map_err(wrong(Section::Restrictions))?;
    let balances: Vec<BalanceState> = all(source, header, Section::Balances, buffer, BalanceV1::state)?;
    balances.iter().for_each(|state| restore.balance(state));
    let busted: Vec<MatchNumber> =
        all(source, header, Section::Busted, buffer, |record: &BustedV1| Some(record.match_number()))?;
    busted.into_iter().for_each(|match_number| restore.busted(match_number));
    let assets: Vec<AssetState> = all(source, header, Section::Assets, buffer, AssetV1::state)?;
    assets.iter().for_each(|state| restore.asset(state));
    let owners: Vec<PastOwner> =
        all(source, header, Section::PastOwners, buffer, |record: &PastOwnerV1| Some(record.past()))?;
    owners.iter().try_for_each(|past| restore.past_owner(past)).map_err(wrong(Section::PastOwners))?;
    let paid: Vec<PastAssets> = all(source, header, Section::PastAssets, buffer, PastAssetsV1::past)?;
    paid.iter().try_for_each(|past| restore.past_assets(past)).map_err(wrong(Section::PastAssets))
}
